"""Which page is where in the site, its source, and what a build says of it."""
