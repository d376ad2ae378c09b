"""The simulated cloud's institutions, projects and users, and who pays for what since when."""

from dataclasses import dataclass
from random import Random

from meterhouse.metering.snapshots import Institution, Project, User
from meterhouse.sources.simulator.rhythm import DAY_MS, MONDAY_MS

CYCLE_MS = 28 * DAY_MS
SHARES_CHANGE_MS = MONDAY_MS + 18 * DAY_MS  # and every cycle from then on

INSTITUTIONS = tuple(
    Institution(id=key, name=name)
    for key, name in (
        ("hosting-lab", "Open Source Hosting Lab"),
        ("harbor", "Harbor State University"),
        ("north-valley", "North Valley College"),
        ("ocean", "Institute for Ocean Research"),
        ("medical", "Lakeside Medical School"),
        ("library", "City Library Consortium"),
    )
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A project of the tree. shares: who funds it, by turns that follow each other."""

    id: str
    name: str
    parent: str = ""
    shares: tuple[dict[str, int], ...] = ()


TREE = (
    Branch("hosting", "Open source hosting", "", ({"hosting-lab": 1},)),
    Branch("distributions", "Linux distributions", "hosting"),
    Branch("mirrors", "Package mirrors", "distributions"),
    Branch("builders", "Package builders", "distributions"),
    Branch("ci", "Continuous integration", "hosting"),
    Branch("runners", "CI runners", "ci"),
    Branch("caches", "Build caches", "ci"),
    Branch("community", "Community services", "hosting"),
    Branch("lists", "Mailing lists", "community"),
    Branch("wikis", "Wikis", "community"),
    Branch("infrastructure", "Cloud infrastructure", "hosting"),
    Branch("physics", "Physics", "", ({"harbor": 1},)),
    Branch("lattice", "Lattice field theory", "physics"),
    Branch("production", "Production runs", "lattice"),
    Branch("analysis", "Analysis", "lattice", ({"harbor": 3, "ocean": 1},)),
    Branch("detector", "Detector monitoring", "physics"),
    Branch("oceanography", "Oceanography", "", ({"ocean": 1},)),
    Branch("tides", "Tide forecasts", "oceanography"),
    Branch("salinity", "Salinity models", "oceanography"),
    Branch("genomics", "Genomics", "", ({"medical": 3, "harbor": 1}, {"medical": 2, "harbor": 2})),
    Branch("sequencing", "Sequencing", "genomics"),
    Branch("variants", "Variant calling", "genomics"),
    Branch("teaching", "Teaching", "", ({"north-valley": 2, "harbor": 1},)),
    Branch("labs", "Programming labs", "teaching"),
    Branch("databases", "Databases course", "teaching"),
    Branch("digital-library", "Digital library", "", ({"library": 1},)),
    Branch("catalogue", "Catalogue", "digital-library"),
    Branch("archive", "Digital archive", "digital-library"),
)
PARENTS = {branch.id: branch.parent for branch in TREE}

NAMES = """
Ada Okafor, Amir Haddad, Anneke de Wit, Benedikt Lorenz, Camila Duarte, Chiara Bianchi,
Dagny Solberg, Daniel Kim, Elif Aydin, Emeka Nwosu, Esther Levi, Farid Rahimi, Fiona MacLeod,
Gabriel Moreau, Grace Mwangi, Hana Novak, Hiro Tanaka, Imani Brooks, Ines Carvalho, Ivo Petrov,
Jana Kowalska, Jonas Weber, Kai Nakamura, Leila Farouk, Linnea Berg, Lucas Ortega, Mara Jansen,
Mei Chen, Milan Horvat, Nadia Rossi, Noor Siddiqui, Oscar Lindqvist, Paula Mendes, Priya Raman,
Quentin Dubois, Rosa Delgado, Samir Patel, Tamsin Clarke, Viktor Ivanov, Yara Haddad
""".replace("\n", " ").split(",")


def shares(branch: Branch, at_ms: int) -> dict[str, int]:
    """Who funds a project at a moment; {} if it leaves that to its parent."""
    if not branch.shares:
        return {}
    return branch.shares[turn(at_ms) % len(branch.shares)]


def turn(at_ms: int) -> int:
    """How many times shares have changed."""
    return (at_ms - SHARES_CHANGE_MS) // CYCLE_MS


def projects(at_ms: int) -> tuple[Project, ...]:
    return tuple(
        Project(id=each.id, name=each.name, parent=each.parent, shares=shares(each, at_ms))
        for each in TREE
    )


def root(project: str) -> str:
    """The project at the top of the branch that a project is on."""
    while PARENTS[project]:
        project = PARENTS[project]
    return project


def users(seed: int, homes: tuple[str, ...]) -> tuple[User, ...]:
    """Everybody, each in one or two of the projects that have machines (``homes``)."""
    chance = Random(f"{seed}/users")  # noqa: S311 - a game
    return tuple(
        _user(name.strip(), (homes[number % len(homes)], chance.choice(homes)))
        for number, name in enumerate(NAMES)
    )


def _user(name: str, projects: tuple[str, str]) -> User:
    login = name.lower().replace(" ", ".")
    within = tuple(sorted(set(projects)))
    return User(id=login, name=name, email=f"{login}@example.edu", projects=within)
