// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

// wordList gives roles to words, separated by blanks.
type wordList struct {
	roles role
	words string
}

func wordLists() []wordList {
	return []wordList{
		{rSalutation, `Herr Herrn Frau Familie Fräulein Eheleute Ehepaar Eheleuten Witwe Witwer Hr Fr Fam`},
		{rTitle, `Dr Prof Professor Professorin Doktor Dipl Ing med jur phil rer nat iur Dres Mag LL Kfm Päd`},
		{rParticle, `von van de der den del della di da do dos du la le el al ten ter te ben bin ibn abu af
			Freiherr Freifrau Freiin Graf Gräfin Baron Baronin Prinz Prinzessin`},
		{rNameLabel, `Name Nachname Familienname Vorname Vornamen Geburtsname Rufname Zuname Namen Unterzeichner
			Ansprechpartner Ansprechpartnerin Sachbearbeiter Sachbearbeiterin Bearbeiter Bearbeiterin Sachbearbeitung
			Kontoinhaber Kontoinhaberin Inhaber Inhaberin Halter Halterin Bauherr Bauherrin Antragsteller Antragstellerin
			Vermieter Vermieterin Mieter Mieterin Hauptmieter Untermieter Eigentümer Eigentümerin Betreuer Betreuerin
			Bevollmächtigter Bevollmächtigte Vollmachtgeber Empfänger Empfängerin Absender Versicherter Versicherte
			Patient Patientin Kind Ehegatte Ehegattin Lebenspartner Arbeitnehmer Arbeitnehmerin Verfasser Verfasserin
			Geschäftsführer Geschäftsführerin Zeuge Zeugin Beschuldigter Betroffener Betroffene Kläger Klägerin
			Entwurfsverfasser Entwurfsverfasserin Anmelder Anmelderin Zahlungspflichtiger Steuerpflichtiger Schuldner Gläubiger
			Hundehalter Hundehalterin Fahrer Fahrerin Mandant Mandantin Kunde Kundin Kontaktperson Notfallkontakt
			vorname nachname first_name last_name firstname lastname fullname surname`},
		{rGreeting, `Liebe Lieber Hallo Moin Servus geehrte geehrter`},
		{rClosing, `Grüßen Grüße Gruß Hochachtungsvoll Hochachtung`},
		{rSigned, `gez gezeichnet Unterschrift`},
		{rFunction | rArticle, `der die das dem den des ein eine einen einem einer eines kein keine keinen keinem keiner
			am im zum zur ins ans beim vom aufs fürs jede jeder jedes jeden jedem diese dieser dieses diesen diesem
			welche welcher welches manche alle allen aller beide beiden neue neuen neuer neues alte alten alter altes
			gute guten guter gutes große großen großer großes erste ersten erster letzte letzten letzter`},
		{rFunction, `in an auf für mit von bei nach vor seit über unter aus durch gegen ohne um bis wegen trotz während
			und oder aber denn sondern sowie als wie wenn weil dass ob da damit falls sofern soweit sobald
			ist sind war waren wird werden wurde wurden hat haben hatte hatten kann können soll sollen muss müssen darf
			nicht auch noch nur schon sehr so dann dort hier hiermit somit jedoch daher deshalb dazu dabei danach davon
			bitte gemäß laut siehe zu zwischen innerhalb außerhalb aufgrund anstelle mittels samt nebst
			was wer wo wann warum welche sich uns euch man nun anbei heute gestern morgen jetzt leider vielen`},
		{rSelf, `ich mir mich mein meine meinen meinem meiner meines wir unser unsere unseren unserem unserer`},
		{rThird, `er sie ihm ihn ihr ihre ihren ihrem ihrer sein seine seinen seinem seiner`},
		{rFunction, `ich mir mich mein meine meinen meinem meiner wir unser unsere unseren er sie es ihm ihn ihr ihre ihren ihrem
			sein seine seinen seinem seiner Ihnen`},
		{rMonth | rNoun, `Januar Februar März April Juni Juli September Oktober November Dezember Jänner`},
		{rMonth, `Mai August`},
		{rNoun, `Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag`},
		{rLegalForm, `GmbH AG KG OHG GbR UG eG eV mbH SE KGaA PartG eK Stiftung Verein Gesellschaft Genossenschaft
			Bank Sparkasse Volksbank Versicherung Verlag Werke Stadtwerke`},
		{rStreet, `Straße Strasse Str Weg Platz Allee Gasse Ring Damm Ufer Chaussee Promenade Stieg Steig Pfad Markt Hof Park
			Straßen Wall Graben Kai Berg Höhe`},
		{rStreetPrep, `Am An Im In Auf Zum Zur Unter Hinter Vor Bei Beim Alte Alter Große Großer Kleine Kleiner Obere Untere Oberer Unterer Neue Neuer Lange`},
		{rUnit, `Euro EUR Cent Prozent Kilometer Meter Hektar Quadratmeter Kilogramm Gramm Tonnen Liter Watt Stunden Tage Tagen Wochen
			Monate Monaten Jahre Jahren Uhr Personen Einwohner Einwohnern Menschen Stück Exemplare Seiten Stimmen Arbeitsplätze
			Mitglieder Mitgliedern Zuschauer Zuschauern Besucher Besuchern Teilnehmer Teilnehmern Mark Dollar Pfund Franken Fälle
			Fällen Haushalte Studenten Studierende Soldaten Mann Frauen Männer Kinder Schüler Schülern Punkte Punkten Wörter Zeichen`},
		{rPlace, `Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen Dresden Hannover Nürnberg
			Duisburg Bochum Wuppertal Bielefeld Bonn Münster Mannheim Karlsruhe Augsburg Wiesbaden Gelsenkirchen Mönchengladbach
			Aachen Braunschweig Chemnitz Kiel Halle Magdeburg Freiburg Krefeld Mainz Lübeck Erfurt Oberhausen Rostock Kassel Hagen
			Potsdam Saarbrücken Hamm Ludwigshafen Oldenburg Mülheim Leverkusen Darmstadt Osnabrück Solingen Heidelberg Herne
			Paderborn Neuss Regensburg Ingolstadt Offenbach Fürth Ulm Würzburg Heilbronn Pforzheim Wolfsburg Göttingen Bottrop
			Reutlingen Erlangen Koblenz Bremerhaven Remscheid Trier Recklinghausen Jena Moers Salzgitter Siegen Gütersloh
			Hildesheim Hanau Cottbus Kaiserslautern Schwerin Esslingen Witten Gera Iserlohn Zwickau Düren Ratingen Tübingen
			Flensburg Lünen Villingen Konstanz Worms Marl Velbert Minden Norderstedt Dessau Bamberg Marburg Neumünster Delmenhorst
			Viersen Rheine Gladbeck Dorsten Troisdorf Lüneburg Detmold Arnsberg Castrop Bayreuth Landshut Brandenburg Bocholt
			Aschaffenburg Celle Kempten Fulda Plauen Weimar Gotha Görlitz Balingen Rosenheim Passau Hof Coburg Ansbach Lindau
			Wien Graz Linz Salzburg Innsbruck Zürich Basel Bern Genf`},
		{rRegister, `ZR ZB StR StB AR BvR BvL BvF BvE BvQ AZR ABR AZB AZN KR AS KA KS VR WB WF XR IR ARs ArbR Ns Qs Ks Js Ls Ds Cs OWi OJs
			BR SB RJ KN UF WX CN NE NC KO TaBV Sa Ca Ga BV EN ISO DIN VDE ABl BGBl GVBl StGB BGB AO SGB`},
		{rPersonNoun | rNoun, `Antragsteller Antragstellerin Antragstellers Kläger Klägerin Beklagte Beklagter Beklagten Patient Patientin
			Mieter Mieterin Bewerber Bewerberin Leistungsempfänger Leistungsempfängerin Kunde Kundin Mandant Mandantin Versicherte Versicherter
			Steuerpflichtige Steuerpflichtiger Betroffene Betroffener Zeuge Zeugin Zeugen Beschuldigte Beschuldigter Angeklagte Angeklagter
			Ehemann Ehefrau Ehegatte Ehegattin Lebenspartner Lebenspartnerin Sohn Tochter Vater Mutter Bruder Schwester Kind`},
		{rNoun, `Beschwerdeführer Beschwerdeführerin Einsprechende Welt Lage Rede Ruhe Vermieter Vermieterin Bauherr Bauherrin Halter Halterin Inhaber Inhaberin Eigentümer Eigentümerin Nachbar Nachbarin
			Kollege Kollegin Kollegen Kolleginnen Damen Herren Eltern Kinder Freunde Mitbürger Mitbürgerinnen Leser Team Alle
			Minister Ministerin Präsident Präsidentin Kanzler Kanzlerin Bundeskanzler Bundeskanzlerin Bürgermeister Bürgermeisterin
			Oberbürgermeister Oberbürgermeisterin Landrat Landrätin Richterin Vorsitzende Vorsitzender Vorsitzenden Direktor
			Direktorin Rechtsanwalt Rechtsanwältin Staatsanwalt Staatsanwältin Notar Notarin Amtsleiter Amtsleiterin Sachbearbeiter
			Sachbearbeiterin Betreuer Betreuerin Referent Referentin Abgeordnete Abgeordneter Abgeordneten Arzt Ärztin Chefarzt Oberarzt
			Lehrer Lehrerin Polizist Polizistin Geschäftsführer Geschäftsführerin Verfasser Verfasserin Anfang Mitte Ende
			Antrag Bescheid Gelegenheit Wohngeld Miete Betrag Bitte Frist Anlage Anlagen Seite Nummer Datum Unterlagen Nachweis Nachweise
			Herr Frau Familie Mann Männer Frauen Person Personen Haushalt Straße Adresse Anschrift Telefon Fax Mobil Post Ort Wohnort
			Stadt Gemeinde Kreis Landkreis Land Bund Amt Behörde Gericht Landratsamt Rathaus Finanzamt Jobcenter Schule Universität
			Recht Gesetz Artikel Absatz Satz Ziffer Urteil Beschluss Klage Revision Berufung Beschwerde Vertrag Erklärung Angaben Angabe
			Auftrag Vertretung Grüße Grüßen Gruß Betreff Betr Ihr Ihre Ihren Ihrem Ihrer Ihnen Sie Sehr Guten Tag Dank Danke Vielen
			Unser Unsere Mein Meine Sein Seine Wir Ich Er Es Der Die Das Dem Den Des Ein Eine Und Oder Aber Auch Mit Für Von Bei Nach Vor
			Seit Über Unter Aus Durch Gegen Ohne Um Bis Wegen Als Wie Wenn Weil Dass Ob Da Damit Falls Im In An Am Auf Zu Zum Zur Beim Vom
			Ist Sind War Waren Wird Werden Wurde Wurden Hat Haben Hatte Hatten Kann Soll Muss Darf Nicht Noch Nur Schon So Dann Dort Hier
			Hiermit Somit Jedoch Daher Deshalb Dazu Dabei Danach Davon Gemäß Laut Siehe Zwischen Was Wer Wo Wann Warum Anbei Heute Leider
			Jahr Jahre Jahren Monat Monate Woche Tagen Zeit Euro Konto Bank Kontoinhaber Empfänger Absender Verwendungszweck Geburtsname
			Geburtsdatum Geburtsort Familienstand Staatsangehörigkeit Beruf Arbeitgeber Firma Vorname Nachname Name Familienname
			Aktenzeichen Kassenzeichen Kennzeichen Steuernummer Zeichen Nachricht Mail Email Rückfragen Fragen Information Informationen
			Deutsch Deutsche Deutscher Deutschen Deutschland Europa Europäische Europäischen Bundesrepublik`},
		{rAmbiguous, `Bauer Bäcker Koch Richter Fischer Schneider Weber Schmied Schäfer Jäger Vogel Fuchs Wolf Hahn Stein Berg
			Busch Baum Wald Feld Bach Sommer Winter Herbst Frost Sturm Stern Mond Sonne König Kaiser Graf Herzog Fürst Ritter Krieger Engel
			Teufel Papst Bischof Mönch Pfaff Küster Meister Schulze Schultheiß Amtmann Zimmermann Maurer Töpfer 
			Schlosser Schuster Schreiber Sänger Spieler Jung Alt Neu Klein Groß Gross Lang Lange Kurz Kurze Breit Schmal Schwarz Weiß Weiss
			Braun Rot Roth Grün Blau Gelb Grau Stark Kühn Reich Arm Frei Freund Feind Lieb Fromm Fröhlich Ernst Streit Krieg Friede Frieden
			Kraft Macht Dauer Mai August März Heil Glück Wunder Zeit Uhr Horn Kopf Haar Bart Fuß Hand Herz Zahn Nagel Hammer Messer Beil Axt
			Schwert Pfeil Bogen Schild Helm Kranz Krone Ring Kette Stock Stab Brett Balken Keller Stube Turm Burg Schloss Hof Haus Brücke
			Bruch Graben Brunnen Quelle See Fluss Insel Strand Sand Kiesel Fels Zweig Ast Blatt Blume Rose Lilie Nelke Kohl Kraut Rübe Apfel
			Birnbaum Nuss Korn Weizen Hafer Brot Kuchen Käse Butter Milch Salz Pfeffer Zucker Honig Wein Bier Hecht Karpfen Lachs Adler Falke
			Sperling Star Storch Schwan Gans Ente Henne Kuckuck Specht Hase Hirsch Reh Bär Dachs Igel Maus Kater Katz Löwe Widder Ochs Bock
			Lamm Kalb Käfer Fink Lerche Amsel Anders Sauer Süß Bitter Scharf Wild Zahm Kalt Heiß Warm Nass Trocken Hart Weich Hell Dunkel
			Mark Franke Sachse Bayer Hess Hesse Schwab Schweizer Rang Grund Boden Decker Fach Form Kern Rahm Rose Rosa
			Viola Erika Heide Linde Eiche Buche Mann Kind Vetter Ohm Neffe Schwager Bräutigam Kunst Geist Sinn Wille Recht Rat Ruhe Rast
			Lust Freude Sorge Not Tod Leben Anker Mast Segel Schiffer Fährmann Förster Gärtner Gerber Metzger Fleischer Wirt Krämer Händler
			Kaufmann Beck Binder Bader Bauer Baumeister Bergmann Brenner Dreher Drechsler Former Führer Gärtner Geiger Pfeiffer
			Trommler Heim Hütte Kammer Kranich Kreuz Kunde Löffel Mehl Morgen Abend Nacht Tag Nebel Regen Schnee Wind Donner
			Blitz Ost West Nord Süd Ober Pracht Rauch Feuer Flamm Saal Sack Schatz Gold Silber Kupfer Eisen Stahl Blei Geld Pfennig Thaler
			Schwarzer Spring Sprung Lauf Gang Steiger Stiller Stumpf Thron Ungar Wasser Weihnacht Ostern Pfingsten Wieser Wiese Zoll Zunft
			Christian Roman Victor Max Will Tim Gut Gute Bay Engels Post Best Rath Kamp Damm Land Markt Platz Linder Hering
			Heller Kreuzer Gulden Groschen Marks Pilz Nadel Faden Leder Samt Krug Becher Kessel Topf Pfanne Ofen Kohle Torf Holz`},
	}
}

func triggerLists() []wordList {
	return []wordList{
		{tBank, `IBAN BIC SWIFT Bank Bankverbindung Kontoverbindung Konto Kontonummer Sparkasse Volksbank Kreditinstitut`},
		{tTaxID, `SteuerID Steuerid IdNr Identifikationsnummer Steueridentifikationsnummer SteuerIdNr TIN Steuer steuer_id`},
		{tTaxNumber, `Steuernummer Steuernr StNr Steuer Steuernummern St Finanzamt`},
		{tVAT, `UStID UStIdNr USt Umsatzsteueridentifikationsnummer Umsatzsteuer VAT`},
		{tBusiness, `WIdNr Wirtschaftsidentifikationsnummer Wirtschafts`},
		{tPension, `Rentenversicherungsnummer Rentenversicherung Versicherungsnummer Sozialversicherungsnummer Sozialversicherung RVNR SV SVNR VSNR
			RV Rentennummer SVNummer`},
		{tHealth, `Krankenversichertennummer Krankenversicherungsnummer KVNR Versichertennummer Krankenversicherung Krankenkasse KV`},
		{tIDCard, `Personalausweis Personalausweisnummer Ausweis Ausweisnummer Ausweisnr Dokumentennummer Seriennummer Dokumentnummer PA Personalausweises`},
		{tPassport, `Reisepass Reisepassnummer Pass Passnummer Passnr Reisepasses Kinderreisepass`},
		{tLicence, `Führerschein Führerscheinnummer Fahrerlaubnis Führerscheins Fahrerlaubnisnummer Führerscheinnr`},
		{tPhone, `Tel Telefon Telefonnummer Fon Phone Mobil Mobilnummer Mobiltelefon Handy Handynummer Fax Telefax Rufnummer Durchwahl telefonisch
			Ruf Faxnummer Festnetz Mobilfunk erreichbar`},
		{tBirth, `geb geboren geborene geborener geborenen Geburtsdatum Geburtstag Geburtsdat born Geb gebdat birthdate birthday date_of_birth`},
		{tPlate, `Kennzeichen Kfz Fahrzeug PKW Auto Fahrzeuge Wagen amtliche amtlichen amtliches amtlichem`},
		{tFile, `Az Aktenzeichen Geschäftszeichen Kassenzeichen Gz Gesch Mandatsreferenz Mandatsreferenznummer Mandats Kundennummer Kundennr
			Bedarfsgemeinschaft Bedarfsgemeinschaftsnummer BG Buchungszeichen Personenkonto Vorgangsnummer Ordnungsmerkmal Kindergeldnummer
			Vertragsnummer Versicherungsscheinnummer Mitgliedsnummer Personalnummer Matrikelnummer Fallnummer Kundenummer Wohngeldnummer Zeichen
			Ordnungsnummer Antragsnummer Bescheidnummer Rechnungsnummer Vertragskonto Objektnummer Bußgeldnummer Geschäftsnummer`},
		{tCard, `Kreditkarte Kreditkartennummer Kartennummer Visa Mastercard MasterCard Amex`},
		{tIP, `IP IPv4 IPAdresse`},
		{tVersion, `Version Versionen Release Build Firmware Kapitel Abschnitt Nr Ziffer Tz Rn Rz Position Pos`},
		{tAddress, `wohnhaft Anschrift Adresse Wohnort Wohnsitz PLZ Postleitzahl wohnt wohne Straße Ort Meldeadresse gemeldet Rechnungsanschrift`},
		{tCreditor, `Gläubiger GläubigerID Gläubigeridentifikationsnummer CI`},
	}
}
