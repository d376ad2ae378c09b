"""Who owns what and since when: institutions, project tree, users, shares, revisions."""
