"""The machine it runs on: what it computes, holds, moves and draws."""
