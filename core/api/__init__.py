"""The base of the REST doors: who asks is known from the middleware, what they may is declared, the rest are services."""
