"""Pictures of power for e-mails, wikis and old links: SVG as text, PNG drawn with numpy."""
