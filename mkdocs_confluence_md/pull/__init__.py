"""Write the pages of a finished build as a site that needs no Confluence."""
