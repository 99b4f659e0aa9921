"""Both REST APIs of Confluence and their vocabulary: references, pages, trees, archives."""
