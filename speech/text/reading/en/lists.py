"""English word lists: what is said as a word, what is spelled, titles, places, names. Data only."""

from __future__ import annotations

from speech.text.wordlist import wordset

SAID_ACRONYMS = wordset(
    "NASA NATO UNESCO UNICEF OPEC AIDS LASER RADAR SCUBA SONAR JSON JPEG GIF RAM ROM PIN SIM LAN WAN NAFTA FIFA "
    "UEFA NASDAQ "
    "COVID ASCII CAPTCHA SWAT YOLO FOMO ASAP FAQ BIOS CUDA YAML TOML MIDI RAID MOMA ACID CRUD REST SOAP SAAS PAAS "
    "IKEA "
    "HUD TED SARS MERS INTERPOL EUROPOL OSHA NORAD POTUS SCOTUS FLOTUS DARPA FEMA LIDAR MENSA NIMBY GUI DOS VIN "
    "ANOVA BASIC COBOL FORTRAN LISP NAND WASM WIFI HIPAA ERISA FICA TESOL ICANN IMAX EPCOT PETA SALT SWIFT"
)

SPELLED_ACRONYMS = wordset(
    "USA USB URL URI UK EU UN AI API IP ID CEO CFO CTO COO CIA IRS IEEE USSR UCLA NCAA ACLU AARP ESPN HDMI "
    "ISBN OLED AMOLED ADHD ACDC IOS UPS USPS UFC UFO IPO IOU EIN EIC EPA ETA EKG EEG ERP ESL ESP EV EVS AC AAA "
    "AAAS AES AED ABC AED AIA ALU AMA APA ATA ATM BBA DEA DIY DIA DUI DOA DOE DOJ EDI EOD EPS FAA FAO "
    "GOP GPA GUI HIV HOA ICU IED IMO IOC IOT IQ IRA ISO ISP IUD IVF LOL MIA MOU NBA NDA NEA NHL NFL OCD OEM OMG OSX "
    "PDA PIA "
    "POA POV RIP ROI SEO SOS SUV TBA TIA TOS UAE UAV UHF UI UX VIP VOA YOB YTD AKA FYI DOI SSD CPU GPU"
)

COMMON_SHORT = wordset(
    "AM AN AS AT BE BY DO GO HE IF IN IS IT ME MY NO OF OH OK ON OR SO TO UP US WE YE AH HA HI HO LO OX "
    "ACE ACT ADD AGE AGO AID AIM AIR ALE ALL AND ANT ANY APE APT ARC ARE ARK ARM ART ASH ASK ATE AWE AXE BAD BAG "
    "BAN BAR BAT BAY "
    "BED BEE BEG BET BID BIG BIN BIT BOB BOW BOX BOY BUD BUG BUN BUS BUT BUY BYE CAB CAN CAP CAR CAT COW CRY CUP "
    "CUT DAD DAM DAY "
    "DEN DEW DID DIE DIG DIM DIP DOC DOG DOT DRY DUE DUG EAR EAT EGG EGO ELF ELM END ERA EVE EYE FAN FAR FAT FED "
    "FEE FEW FIG FIN "
    "FIT FIX FLY FOE FOG FOR FOX FUN FUR GAP GAS GEM GET GOD GOT GUM GUN GUT GUY GYM HAD HAM HAS HAT HAY HEN HER "
    "HEY HID HIM HIP "
    "HIS HIT HOP HOT HOW HUG HUT ICE ICY ILL INK INN ITS IVY JAM JAR JAW JOB JOY KEY KID KIN KIT LAB LAP LAW LAY "
    "LEG LET LID LIE "
    "LIP LIT LOG LOT LOW MAD MAN MAP MAT MAY MEN MET MIX MOM MUD MUG NET NEW NOD NOR NOT NOW NUT OAK ODD OFF OIL "
    "OLD ONE OUR OUT "
    "OWE OWL OWN PAD PAN PAT PAY PEA PEN PET PIE PIG PIT POT PUB PUT RAG RAN RAT RAW RED RID RIB ROB ROD ROW RUB "
    "RUG RUN SAD SAT "
    "SAW SAY SEA SEE SET SEW SHE SHY SIN SIP SIT SIX SKI SKY SON SOW SPY SUM SUN TAP TAR TAX TEA TEN THE TIE TIN "
    "TIP TOE TON TOO "
    "TOP TOY TRY TUB TWO USE VAN VET VOW WAR WAS WAX WAY WEB WET WHO WHY WIG WIN WIT WON YES YET YOU ZOO DAN TOM "
    "JIM TIM SAM MAX"
)
EITHER = wordset("US IT AM OR WHO ME MD PM")

REGNAL = wordset(
    "Henry Louis Charles George Edward Elizabeth James William Richard Philip Pius Paul Benedict Napoleon Alexander "
    "Catherine "
    "Nicholas Frederick Francis Peter Mary Victoria Gregory Leo Clement Innocent Urban Ramses Ramesses Ptolemy Ivan "
    "Otto Wilhelm "
    "Leopold Albert Christian Gustav Constantine Xerxes Darius Cyrus Robert Malcolm Alfonso Ferdinand Umberto "
    "Carlos Felipe "
    "Amenhotep Thutmose Cleopatra Mehmed Selim Murad Suleiman Boniface Sixtus Julius Adrian Celestine John Juan "
    "Pedro Joseph "
    "Rudolf Maximilian Olaf Harald Haakon Baldwin Bohemond Casimir Sigismund Stephen Bela Andrew Margaret Isabella "
    "Joan "
    "Theodosius Justinian Antiochus Seleucus Artaxerxes Tiberius Akbar Rama Edgar Harold Lothair Conrad Eugene "
    "Callixtus"
)
NUMBERED = wordset(
    "chapter part volume book act scene section phase type class title article appendix figure table bowl episode "
    "level grade mark "
    "apollo war stage tome vol lesson unit year step category factor page psalm canto stanza season series division "
    "corps region "
    "schedule annex annexe exhibit group tier round rocky version edition"
)
ROOMS = wordset(
    "room flight route highway bus channel suite apartment apt gate interstate extension ext train hwy rte rm ste "
    "boeing airbus "
    "exit runway tram line squadron psalm area"
)
LABELLED = wordset(
    "seat row platform unit building block terminal stand house flat bay hall stall desk table lot door level"
)
TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miz", "Prof": "professor", "Gen": "general", "Col": "colonel",
    "Capt": "captain",
    "Lt": "lieutenant", "Sgt": "sergeant", "Rev": "reverend", "Hon": "honorable", "Sen": "senator", "Gov": "governor",
    "Pres": "president", "Rep": "representative", "Maj": "major", "Cmdr": "commander", "Fr": "father",
    "Messrs": "messieurs",
    "Mt": "mount", "Ft": "fort", "Supt": "superintendent", "Insp": "inspector", "Adm": "admiral", "Cpl": "corporal",
    "Pvt": "private",
}  # fmt: skip
ABBREVIATIONS = {
    "etc": "et cetera", "vs": "versus", "Inc": "incorporated", "Ltd": "limited", "Co": "company",
    "Corp": "corporation",
    "Jr": "junior", "Sr": "senior", "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Ln": "lane",
    "Hwy": "highway",
    "Sq": "square", "Pl": "place", "Ct": "court", "Apt": "apartment", "approx": "approximately", "dept": "department",
    "Dept": "department", "est": "established", "Est": "established", "ca": "circa", "Univ": "university",
    "Assn": "association",
    "Bros": "brothers", "govt": "government", "Govt": "government", "max": "maximum", "min": "minimum",
    "misc": "miscellaneous",
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Aug": "August", "Sept": "September",
    "Sep": "September",
    "Oct": "October", "Nov": "November", "Dec": "December", "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday",
    "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday", "Tel": "telephone", "tel": "telephone", "Vol": "volume", "vol": "volume", "Ch": "chapter",
    "cf": "compare",
    "al": "al", "viz": "namely", "Esq": "esquire", "incl": "including", "excl": "excluding", "Intl": "international",
    "Mfg": "manufacturing", "Mgr": "manager", "no": "no", "resp": "respectively", "hrs": "hours", "hr": "hour",
    "mins": "minutes",
    "secs": "seconds", "yrs": "years", "yr": "year", "lbs": "pounds", "oz": "ounces",
}  # fmt: skip
BEFORE_NUMBERS = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "p": "page", "pp": "pages", "P": "page",
    "fig": "figure",
    "Fig": "figure", "Figs": "figures", "figs": "figures", "sec": "section", "Sec": "section", "ch": "chapter",
    "Ch": "chapter",
    "vol": "volume", "Vol": "volume", "vols": "volumes", "art": "article", "Art": "article", "eq": "equation",
    "Eq": "equation",
    "para": "paragraph", "Rm": "room", "Ste": "suite", "c": "circa", "ca": "circa", "v": "verse", "vv": "verses",
    "l": "line",
    "ll": "lines", "rev": "revision", "Rev": "revision", "ver": "version", "Ver": "version", "ext": "extension",
    "Ext": "extension", "n": "note",
}  # fmt: skip
STARTERS = wordset(
    "He She The Then It I We They This That These Those There Here A An In On At But And So When Where What Who Why "
    "How If As "
    "After Before My Your His Her Our Their Its You No Yes Not Now Once For From To With By Of Or Nor Yet Today "
    "Tomorrow Please"
)
