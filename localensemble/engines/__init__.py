"""Run a model: one protocol, one module per engine. Only this package talks to models."""
