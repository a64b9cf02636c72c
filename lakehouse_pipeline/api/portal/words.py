"""What the pages say, in English and German. What a broken rule means: `layers/sentences.py`."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse_pipeline.layers.sentences import Language

WORDS: Mapping[str, tuple[str, str]] = {
    # the frame
    "skip": ("Skip to the content", "Zum Inhalt springen"),
    "navigation": ("Main", "Haupt"),
    "language": ("Language", "Sprache"),
    "datasets": ("Datasets", "Datensammlungen"),
    "reference": ("API reference", "API-Referenz"),
    "dagster": ("Dagster UI", "Dagster-UI"),
    "not_found": ("This cannot be shown", "Das lässt sich nicht anzeigen"),
    "back": ("To the datasets", "Zu den Datensammlungen"),
    "columns_scroll": ("{what}; scrolls sideways", "{what}; seitlich rollbar"),
    # the datasets
    "datasets_lead": (
        "Deliver files, see what became of them, take published data.",
        "Dateien liefern, sehen, was daraus wurde, veröffentlichte Daten mitnehmen.",
    ),
    "no_datasets": (
        "There is no dataset yet. A steward registers one with its contract:",
        "Es gibt noch keine. Ein Data Steward legt eine mit ihrem Vertrag an:",
    ),
    "dataset": ("Dataset", "Datensammlung"),
    "contract": ("Contract", "Vertrag"),
    "batches": ("Batches", "Lieferungen"),
    "last_published": ("Last published", "Zuletzt veröffentlicht"),
    "fresh": ("Fresh", "Aktuell"),
    "never": ("never", "noch nie"),
    "on_time": ("on time", "pünktlich"),
    "late": ("late by {time}", "{time} überfällig"),
    "no_promise": ("no promise", "keine Zusage"),
    "no_version": ("no sound version", "keine gültige Version"),
    "closed": ("closed", "geschlossen"),
    "contract.draft": ("waits for approval", "wartet auf Freigabe"),
    "contract.approved": ("approved", "freigegeben"),
    "contract.active": ("active", "aktiv"),
    "contract.deprecated": ("deprecated", "abgelöst"),
    "contract.retired": ("retired", "außer Betrieb"),
    "contract.declined": ("declined", "abgelehnt"),
    "running_now": ("something is running", "etwas läuft"),
    # a dataset
    "version": ("Contract version {version}", "Vertragsversion {version}"),
    "deliver": ("Deliver files", "Dateien liefern"),
    "drop_here": ("Drop CSV files here, or", "CSV-Dateien hier ablegen, oder"),
    "choose": ("choose files", "Dateien auswählen"),
    "drop_hint": (
        "They are sent at once: .csv, .tsv or .txt, plain or packed as .gz or .zst.",
        "Sie werden sofort gesendet: .csv, .tsv oder .txt, auch gepackt als .gz oder .zst.",
    ),
    "no_script": (
        "Delivering and downloading here need JavaScript. With curl it works without:",
        "Liefern und Herunterladen brauchen hier JavaScript. Mit curl geht es ohne:",
    ),
    "takes_no_files": ("It takes no new files.", "Sie nimmt keine neuen Dateien an."),
    "waits_for_approval": (
        "Its contract waits for approval: files are kept, and go on as soon as it is approved.",
        "Ihr Vertrag wartet auf Freigabe: Dateien werden aufbewahrt und danach verarbeitet.",
    ),
    "deliveries": ("Files sent from this page", "Von dieser Seite gesendete Dateien"),
    "sending": ("sending", "wird gesendet"),
    "sent_of": ("{percent} % sent", "{percent} % gesendet"),
    "cancel": ("Cancel", "Abbrechen"),
    "cancelled": ("cancelled; nothing was kept", "abgebrochen; nichts wurde behalten"),
    "broken_off": (
        "the connection broke off; nothing was kept. Send the file again.",
        "die Verbindung ist abgebrochen; nichts wurde behalten. Datei bitte noch einmal senden.",
    ),
    "what_file": ("What a file must look like", "Wie eine Datei aussehen muss"),
    "file_facts": (
        "{encoding}, values separated by {delimiter}, first line:",
        "{encoding}, Werte getrennt durch {delimiter}, erste Zeile:",
    ),
    "no_header": (
        "{encoding}, values separated by {delimiter}, no header; the columns in this order:",
        "{encoding}, Werte getrennt durch {delimiter}, ohne Kopfzeile; die Spalten der Reihe nach:",
    ),
    "column": ("Column", "Spalte"),
    "type": ("Holds", "Enthält"),
    "rules_of_column": ("What is quarantined, and why", "Was in Quarantäne kommt, und warum"),
    "personal": ("personal", "personenbezogen"),
    "logical.string": ("text", "Text"),
    "logical.integer": ("whole number", "ganze Zahl"),
    "logical.number": ("number", "Zahl"),
    "logical.boolean": ("true or false", "true oder false"),
    "logical.date": ("date", "Datum"),
    "logical.timestamp": ("date and time", "Datum und Uhrzeit"),
    "logical.time": ("time", "Uhrzeit"),
    "download_all": ("Download all published data", "Alle veröffentlichten Daten"),
    "download_batch": ("Download what is published of it", "Veröffentlichtes herunterladen"),
    "no_batches": ("No file has arrived yet.", "Es ist noch keine Datei angekommen."),
    "file": ("File", "Datei"),
    "newer": ("Newer", "Neuere"),
    "older": ("Older", "Ältere"),
    "shown_of": ("{first} to {last} of {total}", "{first} bis {last} von {total}"),
    # a batch
    "batch": ("Batch", "Lieferung"),
    "state": ("State", "Stand"),
    "time": ("Time", "Zeit"),
    "records": ("Records", "Datensätze"),
    "validated": ("Validated", "Gültig"),
    "quarantined": ("Quarantined", "In Quarantäne"),
    "published": ("Published", "Veröffentlicht"),
    "state.published": ("published", "veröffentlicht"),
    "state.refused": ("refused", "zurückgewiesen"),
    "state.running": ("running", "läuft"),
    "state.waiting": ("waiting", "wartet"),
    "state.failed": ("failed", "gescheitert"),
    "state.stopped": ("stopped half-way", "auf halbem Weg stehen geblieben"),
    "state.expired": ("expired", "abgelaufen"),
    "state.arriving": ("delivered", "geliefert"),
    "said.published": (
        "{published} of {records} records published, {quarantined} quarantined.",
        "{published} von {records} Datensätzen veröffentlicht, {quarantined} in Quarantäne.",
    ),
    "said.too_many": (
        "{quarantined} of {records} records ({percent} %) break a rule; {allowed} % may",
        "{quarantined} von {records} Sätzen ({percent} %) verletzen eine Regel; {allowed} % dürfen",
    ),
    "said.arriving": (
        "Delivered; it is taken in within seconds.",
        "Geliefert; sie wird in wenigen Sekunden aufgenommen.",
    ),
    "said.running": ("It is being checked.", "Sie wird geprüft."),
    "said.same": (
        "The same content was delivered before as {batch}; nothing is done twice.",
        "Derselbe Inhalt kam schon als {batch}; nichts geschieht doppelt.",
    ),
    "still_arriving": (
        "Delivered, but not taken in yet. Perhaps the sensor does not run; nothing is lost.",
        "Geliefert, noch nicht aufgenommen. Läuft der Sensor? Verloren ist nichts.",
    ),
    "counts": ("Where the records are", "Wo die Datensätze sind"),
    "adds_up": (
        "{records} records = {validated} validated + {quarantined} quarantined; none is missing.",
        "{records} Datensätze = {validated} gültig + {quarantined} in Quarantäne; keiner fehlt.",
    ),
    "lines": (
        "Its file has {lines} lines: {header} of the header, {blank} blank, the rest of records.",
        "Ihre Datei hat {lines} Zeilen: {header} Kopfzeile, {blank} leer, der Rest Datensätze.",
    ),
    "not_judged": ("Not judged yet.", "Noch nicht geprüft."),
    "checks": ("Checks", "Prüfungen"),
    "check.rules": ("Rules for each record", "Regeln für jeden Datensatz"),
    "check.gate": ("Gate for the batch as a whole", "Schranke für die ganze Lieferung"),
    "kept": ("kept", "eingehalten"),
    "rules_broken": ("{count} quarantined", "{count} in Quarantäne"),
    "let_through": ("let through", "durchgelassen"),
    "held_back": ("held back", "zurückgehalten"),
    "warned": ("let through, with a warning", "durchgelassen, mit Warnung"),
    "reasons": ("Reasons", "Gründe"),
    "reason": ("Reason", "Grund"),
    "rule": ("Rule", "Regel"),
    "set_aside": ("Quarantined records", "Datensätze in Quarantäne"),
    "first_of": ("The first {shown} of {count}.", "Die ersten {shown} von {count}."),
    "record": ("Record", "Datensatz"),
    "broken_line": ("as it stood", "wie sie dastand"),
    "nothing": ("no value", "kein Wert"),
    "breaks": ("breaks a rule", "verletzt eine Regel"),
    "values_hidden": (
        "The values are shown to stewards and to who delivers for this dataset.",
        "Die Werte sehen Data Stewards und wer für diese Datensammlung liefert.",
    ),
    "export": ("Export for the supplier (CSV)", "Export für den Lieferanten (CSV)"),
    "correct": ("Send corrections back", "Korrekturen zurücksenden"),
    "correct_hint": (
        "Export, correct the values, leave the record numbers, and send the file here.",
        "Exportieren, Werte berichtigen, Satznummern stehen lassen, und die Datei hierher senden.",
    ),
    "corrected_file": ("Corrected file", "Berichtigte Datei"),
    "send": ("Send", "Senden"),
    "corrected": (
        "{corrected} corrected, {passed} of them now keep every rule; {unchanged} unchanged.",
        "{corrected} berichtigt, {passed} davon jetzt regelgerecht; {unchanged} unverändert.",
    ),
    # what stewards decide
    "to_decide": ("Waiting for approval", "Wartet auf Freigabe"),
    "registered_by": (
        "Version {version}, registered by {author}",
        "Version {version}, angelegt von {author}",
    ),
    "registered_by_hand": (
        "Version {version}, placed in the folder by hand",
        "Version {version}, von Hand in den Ordner gelegt",
    ),
    "first_version": (
        "The first version: nothing was promised before.",
        "Die erste Version: vorher war nichts zugesagt.",
    ),
    "no_changes": (
        "It promises what the version before it does.",
        "Sie sagt dasselbe zu wie die Version davor.",
    ),
    "breaking": ("breaks a promise", "bricht eine Zusage"),
    "own_version": (
        "You registered it, so somebody else has to approve it.",
        "Sie haben sie angelegt; freigeben muss jemand anderes.",
    ),
    "approve": ("Approve", "Freigeben"),
    "approve_version": ("Approve version {version}", "Version {version} freigeben"),
    "approve_means": (
        "It becomes active unless it breaks a promise; batches that wait for it go on.",
        "Sie wird aktiv, wenn sie keine Zusage bricht; wartende Lieferungen laufen weiter.",
    ),
    "approved": ("Version {version} is approved.", "Version {version} ist freigegeben."),
    "approved_breaking": (
        "Version {version} is approved. It breaks promises, so it is not active yet.",
        "Version {version} ist freigegeben. Sie bricht Zusagen und ist noch nicht aktiv.",
    ),
    "decline": ("Decline", "Ablehnen"),
    "decline_version": ("Decline version {version}", "Version {version} ablehnen"),
    "decline_means": (
        "It never becomes active; a corrected one has a higher number.",
        "Sie wird nie aktiv; eine berichtigte bekommt eine höhere Nummer.",
    ),
    "declined": ("Version {version} is declined.", "Version {version} ist abgelehnt."),
    "publish_anyway": ("Publish it all the same", "Trotzdem veröffentlichen"),
    "publish_batch": ("Publish {batch} all the same", "{batch} trotzdem veröffentlichen"),
    "publish_means": (
        "Records that keep every rule are published; the others stay in quarantine.",
        "Was alle Regeln einhält, wird veröffentlicht; der Rest bleibt in Quarantäne.",
    ),
    "batch_released": ("The batch was let through.", "Die Lieferung wurde durchgelassen."),
    "release": ("Let through", "Durchlassen"),
    "release_rule": (
        "Let the records through that break {rule}",
        "Datensätze durchlassen, die {rule} verletzen",
    ),
    "release_rule_means": (
        "{count} records break this rule. Those that break no other one are published.",
        "{count} Sätze verletzen diese Regel. Die keine andere verletzen, werden veröffentlicht.",
    ),
    "release_records": ("Let the chosen records through", "Gewählte Datensätze durchlassen"),
    "release_records_means": (
        "Published as they stand, although they break a rule: {records}.",
        "Werden veröffentlicht, wie sie dastehen, trotz verletzter Regel: {records}.",
    ),
    "choose_record": ("Choose record {record}", "Datensatz {record} wählen"),
    "chosen": ("Choose", "Wählen"),
    "none_chosen": ("Choose records in the table first.", "Erst in der Tabelle auswählen."),
    "released": ("The records were let through.", "Die Datensätze wurden durchgelassen."),
    "stays_on_record": (
        "Who decides what, and why, stays on record.",
        "Wer was entscheidet und warum, bleibt festgehalten.",
    ),
    "your_name": ("Your name", "Ihr Name"),
    "why": ("Why", "Warum"),
    "keep": ("Cancel", "Abbrechen"),
    "being_done": ("It is being done …", "Es wird ausgeführt …"),
    "gone_away": (
        "The connection broke off. Look whether it was done before you do it again.",
        "Die Verbindung ist abgebrochen. Bitte erst nachsehen, ob es schon geschehen ist.",
    ),
    "in_dagster": ("Look at it in Dagster", "In Dagster ansehen"),
    "preparing": ("The file is being made …", "Die Datei wird erstellt …"),
}


@dataclass(frozen=True, slots=True)
class Speech:
    """Says things in one language; called with a key of `WORDS` and the facts of the sentence."""

    language: Language

    def __call__(self, key: str, **facts: object) -> str:
        """Return a sentence; numbers in it are written as the language writes them."""
        text = WORDS[key][self.language == "de"]
        return text.format(**{name: self.number(fact) for name, fact in facts.items()})

    def raw(self, key: str) -> str:
        """Return a sentence with its `{blanks}`, for the script to fill in."""
        return WORDS[key][self.language == "de"]

    def number(self, fact: object) -> str:
        """Return a number with its thousands set apart, anything else as it is."""
        if not isinstance(fact, int):
            return str(fact)
        return f"{fact:,}" if self.language == "en" else f"{fact:,}".replace(",", ".")

    def decimal(self, number: str) -> str:
        """Return a number that is written with a point as the language writes it."""
        return number.replace(".", ",") if self.language == "de" else number
