"""What the service talks about: geometry, prompts, masks, bundles and ports. numpy and the standard library only."""
