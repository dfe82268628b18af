"""Where a desk is arranged: one module a topic, listed in `menu`, inside one frame."""
