"""Pages, trees and attachments: from the cache, else from Confluence, else from a snapshot."""
