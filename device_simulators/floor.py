"""Floor plans: which rooms a virtual home has and which of them a door joins. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

Room = Literal["bedroom", "bathroom", "living", "kitchen", "hall", "out"]
Doors = Mapping[Room, tuple[Room, ...]]

# Everything off the living room; the bathroom off the bedroom; kitchen and bathroom off the hall.
FLOORS: Final[tuple[Doors, ...]] = (
    {
        "out": ("hall",),
        "hall": ("out", "living"),
        "living": ("hall", "kitchen", "bedroom", "bathroom"),
        "kitchen": ("living",),
        "bedroom": ("living",),
        "bathroom": ("living",),
    },
    {
        "out": ("hall",),
        "hall": ("out", "living"),
        "living": ("hall", "kitchen", "bedroom"),
        "kitchen": ("living",),
        "bedroom": ("living", "bathroom"),
        "bathroom": ("bedroom",),
    },
    {
        "out": ("hall",),
        "hall": ("out", "living", "kitchen", "bathroom"),
        "living": ("hall", "bedroom"),
        "kitchen": ("hall",),
        "bedroom": ("living",),
        "bathroom": ("hall",),
    },
)


@cache
def way(floor: int, start: Room, end: Room) -> tuple[Room, ...]:
    """The rooms that one enters on the shortest way, the last included; empty where one is."""
    came: dict[Room, Room] = {start: start}
    front = [start]
    for room in front:  # grows while it is read: breadth first
        for further in FLOORS[floor][room]:
            if further not in came:
                came[further] = room
                front.append(further)
    rooms = [end] if end != start else []
    while rooms and came[rooms[-1]] != start:
        rooms.append(came[rooms[-1]])
    return tuple(reversed(rooms))
