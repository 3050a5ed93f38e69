"""The OpenAPI document, made from the declarations of the views: a new view needs no description of its own."""
