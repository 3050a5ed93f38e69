"""The base of the REST API: the middleware finds the actor, views declare permissions, services do the work."""
