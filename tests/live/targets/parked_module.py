"""A module that stops while it is imported."""
import places

places.park()
