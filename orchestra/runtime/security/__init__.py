"""Guards, policies and the record of what they decided. What hooks and the cache do around them is told in `seam`."""
