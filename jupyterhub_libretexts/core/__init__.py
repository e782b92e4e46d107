"""Decisions, pure: who somebody is, what is offered to them, what they chose, what their pod is."""
