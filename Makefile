# One-line targets; what they do stands in scripts/ and pyproject.toml.
.PHONY: run demo test check lint types layers migrations bench lock new-source environment
PORT ?= 8400
DATA ?= data
PY = .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
run: environment         ; @meterhouse up --data $(DATA) --port $(PORT)
demo: environment        ; @meterhouse demo --data $(DATA)-demo --port $(PORT)
environment:             ; @scripts/environment
test: environment        ; @scripts/test
check: lint types layers migrations
lint:                    ; ruff format --check . && ruff check .
types:                   ; mypy src tests
layers:                  ; lint-imports
migrations:              ; python -m django makemigrations --check --dry-run --settings meterhouse.web.settings
bench: environment       ; $(PY) -m bench
lock:                    ; scripts/lock
