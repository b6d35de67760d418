"""What a quiz asks with and tells its score with: values in, signals out."""
