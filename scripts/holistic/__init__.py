"""Train one small network that several networks have taught."""
