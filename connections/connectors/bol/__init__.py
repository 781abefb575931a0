"""bol (Netherlands and Belgium): Retailer API v10."""
