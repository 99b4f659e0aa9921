"""Local copies of exports: CacheControl decides what is fresh, DiskCache stores it."""
