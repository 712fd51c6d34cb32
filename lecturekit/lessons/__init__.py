"""What one lesson needs and the others do not. Read the module of the lesson that you read."""
