"""What one lesson needs and the others do not: read the module of the lesson that you read.

``diagrams`` (00, 02, 07, 13), ``environment`` (00), ``cells`` (01), ``engine`` (05), ``sweep`` (08), ``recorded`` (09),
``digits`` (12), ``workers`` (13).
"""
