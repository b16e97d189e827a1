"""Makes the people of the shipped council `town-hall`: python docs/town_people.py."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

FILE = Path(__file__).resolve().parent.parent / "councils" / "town-hall" / "people.csv"
COUNT = 1_000
COLUMNS = ("name", "age", "district", "mood", "concern", "patience")
FIRST = (
    "Ada Amir Anna Ben Bruno Carla Chen Clara Daniel Dora Edith Emil Erik Fatma Felix Greta Hana "
    "Hugo Ida Igor Ines Jana Joan Jonas Karim Kira Lea Leo Lina Marek Maria Mina Nadia Nils Nora "
    "Olga Omar Otto Paula Petra Rosa Ruben Samir Sara Sofia Theo Tomas Vera Yara Zeno"
)
LAST = (
    "Abel Baker Bauer Berg Costa Dahl Duarte Eriksen Fischer Gruber Haddad Ivanov Jansen Keller "
    "Kovac Lang Lopez Marti Meyer Moreau Nagy Novak Okafor Olsen Park Petrov Rossi Sato Silva Weber"
)
DISTRICTS = ("Old Town", "Riverside", "Station", "Hillside", "Harbour", "Mill Lane")
MOODS = ("hopeful", "worried", "angry", "curious", "tired", "cheerful", "wary", "impatient")
CONCERNS = (
    "the shop that needs deliveries before nine",
    "a mother who cannot walk far",
    "children who cycle to school alone",
    "the noise at night",
    "rents that rise wherever it gets pretty",
    "a job on the night shift, when no bus runs",
    "the air that the asthma does not forgive",
    "customers who come by car from the villages",
    "the market traders and their vans",
    "taxes, and who pays for it all",
    "a quiet bench in the shade",
    "the ambulance that must get through",
)


def people(count: int = COUNT) -> list[dict[str, str]]:
    """The same people in every run; no two have the same name in the same district."""
    chance = Random(7)
    first, last = FIRST.split(), LAST.split()
    found: dict[tuple[str, str], dict[str, str]] = {}
    while len(found) < count:
        name, district = f"{chance.choice(first)} {chance.choice(last)}", chance.choice(DISTRICTS)
        person = {
            "name": name, "age": str(min(96, max(16, round(chance.gauss(47, 18))))),
            "district": district, "mood": chance.choice(MOODS), "concern": chance.choice(CONCERNS),
            "patience": str(chance.randint(1, 9)),
        }  # fmt: skip
        found.setdefault((name, district), person)
    return list(found.values())


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(people())
