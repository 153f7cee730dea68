"""Tasks of real recordings, in HEAR's format, from packages of Debian and a data set of digits.

Nothing of the recordings is part of this project. Each package's copyright file says the licence:

| task | recordings | licence |
|---|---|---|
| real_digits, real_speakers | Free Spoken Digit Dataset | CC BY-SA 4.0 |
| real_words, real_languages | ktuberling-data | GPL-2+ |
| real_letters | klettres-data | GPL-2+ |
| real_voices | asterisk-core-sounds-{en,es,fr,it,ru}-wav | CC BY-SA 3.0, CC BY 3.0 |
| real_drums | hydrogen-drumkits | GPL-2, CC0, CC BY 3.0, CC BY-SA 3.0, kit by kit |
| real_tones | gcin-voice | GPL-3, LGPL-3, CC BY 3.0 |
| real_events | digits, prompts, drums; music: asterisk-moh-opsound-wav | music: CC BY-SA 3.0 |

None of them trained openl3-lite (weights/LITE.md lists what did). A student that learns from
hydrogen-drumkits, ktuberling-data or klettres-data is not to be judged on the tasks made of them.
"""
