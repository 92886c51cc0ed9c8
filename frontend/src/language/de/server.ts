// The server's own texts are English; these stand for the rules that people break. English has none.
export default {
    bad_credentials: 'E-Mail-Adresse oder Passwort ist falsch.',
    required: 'fehlt', unknown: 'ist hier kein Feld', type: 'ist von der falschen Art',
    min_length: 'braucht mindestens %{limit} Zeichen', max_length: 'darf höchstens %{limit} Zeichen haben',
    minimum: 'muss mindestens %{limit} sein', maximum: 'darf höchstens %{limit} sein',
    enum: 'muss eines hiervon sein: %{options}', pattern: 'hat nicht die verlangte Form', format: 'hat nicht die verlangte Form',
    unique: 'ist schon vergeben', reference: 'verweist auf nichts, was es gibt', uuid: 'muss eine UUID sein',
};
