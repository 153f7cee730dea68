"""Which preset and which head suit a task: probes, scores, intervals, reports."""
