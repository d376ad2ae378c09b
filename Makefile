# One-line targets; what they do stands in scripts/ and pyproject.toml.
.PHONY: run demo test search check lint types layers migrations coverage bench lock new-source
PORT ?= 8400
DATA ?= data
export PATH := $(CURDIR)/.venv/bin:$(PATH)

run:        ; @scripts/environment run && exec meterhouse up --data "$(DATA)" --port "$(PORT)"
demo:       ; @scripts/environment run && exec meterhouse demo --data "$(DATA)-demo" --port "$(PORT)"
test:       ; @scripts/environment dev && scripts/test
search:     ; @scripts/environment dev && scripts/search
check:      lint types layers migrations
lint:       ; ruff format --check . && ruff check .
types:      ; mypy src tests bench
layers:     ; lint-imports
migrations: ; python -m django makemigrations --check --dry-run --settings meterhouse.web.settings
coverage:   ; scripts/coverage
bench:      ; @scripts/environment dev && python -m bench
lock:       ; scripts/lock
new-source: ; @scripts/environment dev && python -m tests.scaffold "$(name)"
