"""How a loss over batches is evaluated and differentiated: what operators stand on."""
