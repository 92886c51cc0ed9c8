// The server's own texts are English; these stand for the rules that people break. English has none.
export default {
    bad_credentials: 'L’adresse e-mail ou le mot de passe est incorrect.',
    required: 'manque', unknown: 'n’est pas un champ d’ici', type: 'n’est pas du bon type',
    min_length: 'doit avoir au moins %{limit} caractères', max_length: 'doit avoir au plus %{limit} caractères',
    minimum: 'doit être au moins %{limit}', maximum: 'doit être au plus %{limit}',
    enum: 'doit être l’un de : %{options}', pattern: 'n’a pas la forme demandée', format: 'n’a pas la forme demandée',
    unique: 'est déjà pris', reference: 'ne désigne rien qui existe', uuid: 'doit être un UUID',
};
