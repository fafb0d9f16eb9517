"""Small implementations of what the program takes many of: proof that one module and one row are enough."""
