"""How the words that say how something does are coloured."""

TONES = {
    "good": "good",
    "partial": "warn",
    "failing": "bad",
    "stuck": "bad",
    "starting": "warn",
    "bad": "warn",
    "unreachable": "bad",
    "failed": "bad",
    "unpublished": "bad",
    "disabled": "plain",
    "not read yet": "warn",
}
