"""Writers: a run or a plan as terminal, text, JSON, Markdown, Mermaid."""
