from dataclasses import dataclass


@dataclass
class Reading:
    station: str
    celsius: float


def mean(readings: list[Reading]) -> float:
    total = sum(reading.celsius for reading in readings)
    return total / len(readings)


def warmest(readings: list[Reading]) -> Reading:
    return max(readings, key=lambda reading: reading.celsius)
