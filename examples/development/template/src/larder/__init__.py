"""What is in the larder, what runs out, and what has to be bought."""
