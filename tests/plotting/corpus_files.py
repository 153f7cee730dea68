"""The files of a corpus with careless and malicious names and labels."""

RATE = 16_000
# (id, file, label, number, start, duration)
FILES = [
    ("</script><script>document.title='owned'</script>", "a b#1?.wav", "<img src=x>", 1.5, "", ""),
    ("$x_{", "b.wav", "_low", 2.5, 0.25, 0.5),
    ("<img src=x onerror=\"document.title='owned'\">", "c%20.wav", '"><b>&amp;', 3.5, "", ""),
    ("plain", "b.wav", "_low", 4.5, "", ""),
    ("broken", "broken.wav", "_low", 5.5, "", ""),
]
POINTS = [file for file in FILES if file[0] != "broken"]
