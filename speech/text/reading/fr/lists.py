"""French word lists: what is said as a word, what is spelled, titles, names. Data only."""

from __future__ import annotations

from speech.text.wordlist import wordset

SAID_ACRONYMS = wordset(
    "NASA OTAN UNESCO UNICEF OPEP SIDA LASER RADAR SONAR JSON JPEG GIF RAM ROM PIN SIM FIFA UEFA COVID SMIC RIB "
    "PACS CAF ENA INSEE "
    "CAPES SAMU ZAC ZEP OVNI IKEA ASCII YAML MIDI CEDEX UNEDIC INSERM CROUS FNAC DOM TOM DROM SCOP URSSAF CAC INED "
    "CNIL HADOPI "
    "ARCEP ANSI OLAF FED IRMA ERASMUS DELF DALF PISA BREXIT SACEM AFNOR AMAP ASSEDIC EHPAD BAFA BIC MEDEF"
)
SPELLED_ACRONYMS = wordset(
    "USA UE ONU API URL IP IA PIB PME TVA HLM RER TER DVD EDF GDF CGT IUT IUFM ADN ARN AOC AOP IGP CDI CDD RTT ISBN "
    "USB "
    "HDMI OK OGM ONG OMC OMS FMI BCE ENS IEP INA IVG IRM EPS SUV SAV SAS SA AFP UMP UDI EELV USSR URSS RATP"
)
COMMON_SHORT = wordset(
    "AH AI AS AU ÇA CE DE DU EH EN ES ET EU IL JE LA LE LU MA ME MI MU NE NI NU OH ON OU OÙ PU SA SE SI SU TA TE TU "
    "UN VA VU À Y "
    "AIR AMI ANS ART AUX BAS BEC BEL BIEN BON BOL BUT CAR CES CET CLÉ COL COU DES DIT DIX DOS DUR EAU ELLE ÉTÉ EST "
    "ÊTRE EUX FER FEU FIL FIN "
    "FIT FOI FOU GAI ICI ILS JEU JUS LAC LES LIT LOI LUI MAI MAL MER MES MIS MOI MON MOT MUR NEZ NOM NON NOS NUL "
    "NUE OIE ONT OUI PAR "
    "PAS PEU PIS PLI PUR QUE QUI RAS RIZ ROI RUE SAC SEC SEL SES SOI SOL SON SUD SUR TEL TES THÉ TOI TON TOT TOUR "
    "UNE VAS VIE VIN VIS VOS VUE"
)
EITHER = wordset("SA")
KINGS = wordset(
    "Louis Henri Charles François Napoléon Philippe Jean Paul Pie Benoît Léon Grégoire Clément Innocent Urbain "
    "Alexandre Nicolas "
    "Frédéric Guillaume Édouard George Georges Jacques Élisabeth Elizabeth Catherine Pierre Ramsès Ptolémée Otton "
    "Léopold Albert "
    "Christian Gustave Constantin Richard Robert Alphonse Ferdinand Victor-Emmanuel Juan-Carlos Félipe Felipe "
    "Jean-Paul Childéric Clovis Dagobert "
    "Boniface Sixte Jules Adrien Célestin Hassan Mohammed Mohamed Mehmed Ivan Baudouin Amédée Rodolphe Maximilien "
    "Sigismond Casimir Étienne"
)
NUMBERED = wordset(
    "chapitre partie tome volume livre acte scène section phase type classe titre article annexe figure tableau "
    "niveau étape leçon "
    "saison épisode guerre mondiale catégorie groupe paris appendice page verset psaume chant république division "
    "zone paragraphe vatican"
)
FEMININE_ORDINALS = wordset("scène république division guerre dynastie")
LABELLED = wordset(
    "porte quai voie siège place rang salle bâtiment bât appartement appt hall vol bus ligne bureau étage"
)
TITLES = {
    "M": "monsieur", "MM": "messieurs", "Mme": "madame", "Mmes": "mesdames", "Mlle": "mademoiselle",
    "Mlles": "mesdemoiselles",
    "Dr": "docteur", "Drs": "docteurs", "Pr": "professeur", "Me": "maître", "Mgr": "monseigneur", "St": "saint",
    "Ste": "sainte",
    "Cie": "compagnie", "Cdt": "commandant", "Gal": "général", "Cne": "capitaine", "Lt": "lieutenant",
    "Ets": "établissements",
    "Bd": "boulevard", "Bld": "boulevard", "Blvd": "boulevard", "bd": "boulevard", "appt": "appartement",
    "Sté": "société", "Vve": "veuve", "Sr": "sieur", "Mᵐᵉ": "madame", "Mʳ": "monsieur",
}  # fmt: skip
ALONE = frozenset({"appt", "Mme", "Mmes", "Mlle", "Mlles", "Mgr", "Cie", "Ets", "Sté", "Drs"})
ABBREVIATIONS = {
    "etc": "et cetera", "av": "avenue", "Av": "avenue", "bd": "boulevard", "Bd": "boulevard", "boul": "boulevard",
    "pl": "place",
    "chap": "chapitre", "env": "environ", "ex": "exemple", "cf": "confer", "tél": "téléphone", "Tél": "téléphone",
    "vol": "volume",
    "janv": "janvier", "févr": "février", "fév": "février", "avr": "avril", "juil": "juillet", "sept": "septembre",
    "oct": "octobre",
    "nov": "novembre", "déc": "décembre", "hab": "habitants", "réf": "référence", "Réf": "référence",
    "dép": "département",
    "apr": "après", "pers": "personnes", "suiv": "suivantes", "arr": "arrondissement", "appt": "appartement",
    "bât": "bâtiment", "th": "thermostat", "Lun": "lundi", "Mar": "mardi", "Mer": "mercredi", "Jeu": "jeudi",
    "Ven": "vendredi", "Sam": "samedi", "Dim": "dimanche", "Janv": "janvier", "Juil": "juillet", "Sept": "septembre",
    "Oct": "octobre", "Nov": "novembre", "Déc": "décembre", "Env": "environ", "Pl": "place", "Boul": "boulevard",
    "Bld": "boulevard", "bld": "boulevard", "max": "maximum", "min": "minimum", "lun": "lundi", "mar": "mardi",
    "mer": "mercredi",
    "jeu": "jeudi",
    "ven": "vendredi", "sam": "samedi", "dim": "dimanche", "éd": "édition", "coll": "collection",
    "qqch": "quelque chose",
    "qqn": "quelqu'un", "adj": "adjectif", "fig": "figure", "resp": "respectivement", "approx": "approximativement",
}  # fmt: skip
BEFORE_NUMBERS = {
    "p": "page", "pp": "pages", "art": "article", "Art": "article", "chap": "chapitre", "Chap": "chapitre",
    "fig": "figure",
    "Fig": "figure", "vol": "volume", "Vol": "volume", "t": "tome", "T": "tome", "al": "alinéa", "v": "version",
    "ch": "chapitre", "éq": "équation",
    "th": "thermostat", "appt": "appartement", "par": "paragraphe", "app": "appartement", "tél": "téléphone",
    "Tél": "téléphone", "no": "numéro",
    "No": "numéro", "nos": "numéros",
}  # fmt: skip
FEMININE_NOUNS = wordset(
    "heure heures minute minutes seconde secondes fois page pages personne personnes année années semaine semaines "
    "journée journées "
    "femme femmes fille filles tonne tonnes part parts pomme pommes voiture voitures maison maisons ville villes "
    "place places chambre chambres table tables tasse tasses cuillère cuillères cuillerée pièce pièces étoile "
    "étoiles nuit nuits "
    "histoire histoires question questions réponse réponses ligne lignes lettre lettres carte cartes photo photos "
    "chose choses "
    "c càs càc bouteille bouteilles boîte boîtes tranche tranches"
)
