/* Deciding by words: to hide what is none costs a second look with --show-secrets, to show what is one may cost more.
 * So a word that means a secret counts wherever it stands, unless the name says that it is about something else. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

enum { WORDS_MOST = 128 };

struct word {
    const char *text;
    size_t len;
};

struct name {
    struct word words[WORDS_MOST];
    size_t count;
};

/* The lists have blanks between their words: pointers to each would take four times the room.
 *
 * By itself, in the plural, too. */
static const char secrets[] =
    "auth oauth authorization cookie credential cred dsn jwt bearer otp totp csrf xsrf sessionid "
    "sessid phpsessid jsessionid privatekey accesskey secretkey sessionkey masterkey pgpass";

/* At the end of a word, too: PGPASSWORD, authtoken. */
static const char endings[] = "password passwd passphrase passcode pwd secret token apikey";

/* Side by side, with a dash here; the second in the plural, too. */
static const char pairs[] =
    "api-key private-key access-key session-key session-id master-key encryption-key signing-key "
    "account-key storage-key deploy-key hmac-key aes-key fernet-key ssh-key rsa-key "
    "connection-string conn-string conn-str db-pass user-pass admin-pass root-pass login-pass "
    "smtp-pass ftp-pass mail-pass email-pass redis-pass mysql-pass postgres-pass mongo-pass "
    "proxy-pass http-pass";

/* First: a number of them, or yes or no. */
static const char beginnings[] = "max min num n nr count total is has use uses needs";

/* Last: it is about one, and is none. */
static const char about[] =
    "age checked class count counter counts dir disabled enabled error errors exception expired "
    "expires expiry expiration factory file filename handler idx index invalid kind len length limit "
    "manager max min name names needed offset optional path paths pattern policy pos position "
    "provider regex required size timeout ttl type types usage used valid validator validators";

/* The next word of a list, whose end is not behind a blank; false: there is none. */
static bool next_of(const char **list, struct word *word)
{
    *list += strspn(*list, " ");
    *word = (struct word){*list, strcspn(*list, " ")};
    *list += word->len;
    return word->len > 0;
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* A word ends before a capital that begins another: passWord, APIKey. */
static bool ends(const char *text, size_t i, size_t len)
{
    if (!is_letter(text[i]))
        return true;
    if (!isupper((unsigned char)text[i]))
        return false;
    return !isupper((unsigned char)text[i - 1]) ||
           (i + 1 < len && islower((unsigned char)text[i + 1]) && text[i + 1] != 's');
}

static void divide(struct name *name, const char *text, size_t len)
{
    name->count = 0;
    for (size_t i = 0; i < len && name->count < WORDS_MOST;) {
        size_t begin = i;
        if (!is_letter(text[i++]))
            continue;
        while (i < len && !ends(text, i, len))
            i++;
        name->words[name->count++] = (struct word){text + begin, i - begin};
    }
}

static bool equals(const struct word *a, const struct word *b)
{
    return a->len == b->len && strncasecmp(a->text, b->text, a->len) == 0;
}

static struct word singular(const struct word *word)
{
    bool plural = word->len > 1 && tolower((unsigned char)word->text[word->len - 1]) == 's';
    return (struct word){word->text, word->len - plural};
}

static bool is_one_of(const struct word *word, const char *list)
{
    struct word each;
    while (next_of(&list, &each)) {
        if (equals(word, &each))
            return true;
    }
    return false;
}

static bool is_secret(const struct word *word)
{
    struct word one = singular(word), each;
    for (const char *list = endings; next_of(&list, &each);) {
        if (one.len >= each.len && strncasecmp(one.text + one.len - each.len, each.text, each.len) == 0)
            return true;
    }
    return is_one_of(word, secrets) || is_one_of(&one, secrets);
}

static bool is_pair(const struct word *first, const struct word *second)
{
    struct word one = singular(second), each;
    for (const char *list = pairs; next_of(&list, &each);) {
        size_t len = strcspn(each.text, "-");
        struct word before = {each.text, len}, behind = {each.text + len + 1, each.len - len - 1};
        if (equals(first, &before) && (equals(second, &behind) || equals(&one, &behind)))
            return true;
    }
    return false;
}

bool gs_secret_name(const char *text, size_t len)
{
    struct name name;
    divide(&name, text, len);
    bool found = false;
    for (size_t i = 0; i < name.count && !found; i++)
        found = is_secret(&name.words[i]) || (i > 0 && is_pair(&name.words[i - 1], &name.words[i]));
    return found && !is_one_of(&name.words[0], beginnings) && !is_one_of(&name.words[name.count - 1], about);
}

/* ---- command lines ---- */

/* A text in the making; NULL: out of memory. */
struct made {
    char *text;
    size_t len;
    bool next; /* what comes next is the value of an option */
};

static void put(struct made *made, const char *text, size_t len)
{
    memcpy(made->text + made->len, text, len);
    made->len += len;
}

static void put_hidden(struct made *made)
{
    put(made, GS_SECRET_HIDDEN, strlen(GS_SECRET_HIDDEN));
}

/* Bytes of "--password" or "PASSWORD", and whether a dash is in front. */
static size_t name_bytes(const char *text, size_t len, size_t *dashes)
{
    size_t n = 0;
    while (n < len && text[n] == '-')
        n++;
    *dashes = n;
    while (n < len && (isalnum((unsigned char)text[n]) || strchr("_-.", text[n])))
        n++;
    return n;
}

/* The password of a URL: its bytes within the text, or none. */
static struct word url_password(const char *text, size_t len)
{
    const char *scheme = memmem(text, len, "://", 3), *end = text + len;
    if (!scheme)
        return (struct word){NULL, 0};
    const char *user = scheme + 3, *host = NULL, *colon;
    for (const char *at = user; at < end && *at != '/' && *at != '?' && *at != '#'; at++)
        host = *at == '@' ? at : host;
    colon = host ? memchr(user, ':', (size_t)(host - user)) : NULL;
    return colon ? (struct word){colon + 1, (size_t)(host - colon) - 1} : (struct word){NULL, 0};
}

/* True: it was an option, or an assignment, that is about a secret; it is put without that. */
static bool put_option(struct made *made, const char *text, size_t len)
{
    size_t dashes, n = name_bytes(text, len, &dashes);
    bool assigns = n < len && text[n] == '=';
    if (made->next && dashes == 0 && len > 0) {
        made->next = false;
        put_hidden(made);
        return true;
    }
    made->next = false;
    if (!gs_secret_name(text, n) || (!assigns && (dashes == 0 || n < len)))
        return false;
    put(made, text, assigns ? n + 1 : len);
    if (assigns)
        put_hidden(made);
    made->next = !assigns;
    return true;
}

static void put_token(struct made *made, const char *text, size_t len)
{
    if (put_option(made, text, len))
        return;
    struct word password = url_password(text, len);
    size_t before = password.len > 0 ? (size_t)(password.text - text) : len;
    put(made, text, before);
    if (password.len > 0) {
        put_hidden(made);
        put(made, password.text + password.len, len - before - password.len);
    }
}

/* An argument, which may be a command line of its own. */
static void put_word(struct made *made, const char *word)
{
    size_t len = strlen(word);
    if (put_option(made, word, len))
        return;
    while (*word) {
        size_t blanks = strspn(word, " \t\n"), token = strcspn(word + blanks, " \t\n");
        put(made, word, blanks);
        if (token > 0)
            put_token(made, word + blanks, token);
        word += blanks + token;
    }
}

bool gs_secret_hide(char **words, size_t count)
{
    struct made made = {0};
    for (size_t i = 0; i < count; i++) {
        /* Each token of a byte or more may become what stands for a secret. */
        made.text = malloc((strlen(words[i]) + 1) * (sizeof GS_SECRET_HIDDEN + 1));
        if (!made.text)
            return false;
        made.len = 0;
        put_word(&made, words[i]);
        put(&made, "", 1);
        char *text = strcmp(made.text, words[i]) != 0 ? strdup(made.text) : words[i];
        free(made.text);
        if (!text)
            return false;
        if (text != words[i])
            free(words[i]);
        words[i] = text;
    }
    return true;
}
