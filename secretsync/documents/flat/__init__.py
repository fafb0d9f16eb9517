"""The flat formats, dotenv and INI: string values only, and metadata flattened into names."""
