"""What one lesson needs and the others do not: read the module of the lesson that you read.

``diagrams`` (00, 02, 10), ``environment`` (00), ``recorded`` (02, 07), ``sweep`` (07), ``workers`` (10).
"""
