"""What one lesson needs and the others do not: read the module of the lesson that you read.

``diagrams`` (00, 02, 13), ``environment`` (00), ``engine`` (05), ``sweep`` (08), ``recorded`` (08, 09), ``digits``
(12), ``workers`` (13).
"""
