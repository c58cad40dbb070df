/* Which names are those of secrets, and what is hidden in command lines. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "support/unit.h"

static void check_all(const char *const names[], size_t count, bool secret)
{
    for (size_t i = 0; i < count; i++) {
        /* Without a NUL behind it: only the length tells where it ends. */
        size_t len = strlen(names[i]);
        char *name = malloc(len + 1);
        memcpy(name, names[i], len);
        if (gs_secret_name(name, len) != secret)
            fail_msg("%s is %s", names[i], secret ? "shown" : "hidden");
        free(name);
    }
}

UNIT_TEST(test_secrets)
{
    static const char *const names[] = {
        "password",
        "PASSWORD",
        "Password",
        "_password",
        "__passwd",
        "pwd",
        "DB_PASSWORD",
        "dbPassword",
        "dbpassword",
        "PGPASSWORD",
        "MYSQL_PWD",
        "password1",
        "password_2",
        "new_password",
        "password_hash",
        "passwords",
        "passphrase",
        "secret",
        "SECRET_KEY",
        "client_secret",
        "clientSecret",
        "secrets",
        "token",
        "access_token",
        "accessToken",
        "refreshtoken",
        "tokens",
        "csrf_token",
        "token_value",
        "_Client__token",
        "api_key",
        "apikey",
        "apiKey",
        "APIKey",
        "APIKeys",
        "X-Api-Key",
        "x_api_key",
        "api.key",
        "STRIPE_API_KEYS",
        "authorization",
        "Authorization",
        "proxy-authorization",
        "auth",
        "HTTP_AUTH",
        "auth_header",
        "basicAuth",
        "oauth2",
        "cookie",
        "Set-Cookie",
        "cookies",
        "HTTP_COOKIE",
        "session_key",
        "sessionKey",
        "session_id",
        "sessionid",
        "PHPSESSID",
        "dsn",
        "SENTRY_DSN",
        "private_key",
        "privateKeys",
        "rsa_private_key",
        "credential",
        "credentials",
        "aws_credentials",
        "creds",
        "access_key",
        "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key",
        "awsSecretAccessKey",
        "encryption_key",
        "signing_key",
        "connection_string",
        "db_pass",
        "SMTP_PASS",
        "jwt",
        "jwts",
        "bearer",
        "userIDToken",
        "OTP",
        "passw\xc3\xb6rter_pwd",
    };
    check_all(names, sizeof names / sizeof *names, true);
}

UNIT_TEST(test_ordinary)
{
    static const char *const names[] = {
        "",
        "_",
        "x",
        "key",
        "keys",
        "keyboard",
        "monkey",
        "value",
        "tokenize",
        "tokenizer",
        "tokenized",
        "Tokenizer",
        "author",
        "authors",
        "authority",
        "authenticated",
        "author_key",
        "passwords_checked",
        "password_length",
        "passwordCount",
        "token_type",
        "tokenCount",
        "max_tokens",
        "num_tokens",
        "n_tokens",
        "total_tokens",
        "has_password",
        "isSecret",
        "use_auth",
        "auth_type",
        "cookie_name",
        "secret_path",
        "private_key_file",
        "credentials_path",
        "session",
        "session_name",
        "secretary",
        "passed",
        "passes",
        "first_pass",
        "forward_pass",
        "compass",
        "bypass",
        "passenger",
        "encompass",
        "access",
        "private",
        "api",
        "api_url",
        "dsname",
        "cookiecutter",
        "path",
        "cwd",
        "primary_key",
        "sort_key",
        "foreignKey",
        "key_api",
        "public_key",
        "keyaccess",
        "\xff\xfe",
        "12345",
        "----",
    };
    check_all(names, sizeof names / sizeof *names, false);
}

/* Beyond the words that are looked at, and long ones. */
UNIT_TEST(test_bounded)
{
    char name[4096];
    memset(name, 'x', sizeof name);
    assert_false(gs_secret_name(name, sizeof name));
    memcpy(name + sizeof name - 8, "password", 8);
    assert_true(gs_secret_name(name, sizeof name));
    for (size_t i = 0; i < sizeof name; i += 2)
        name[i] = '_';
    assert_false(gs_secret_name(name, sizeof name));
}

enum { WORDS = 6 };

static void check_words(const char *const given[WORDS], const char *const expected[WORDS])
{
    char *words[WORDS];
    size_t count = 0;
    for (; count < WORDS && given[count]; count++)
        words[count] = strdup(given[count]);
    assert_true(gs_secret_hide(words, count));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(words[i], expected[i]);
        free(words[i]);
    }
}

UNIT_TEST(test_command_lines)
{
    static const char *const cases[][2][WORDS] = {
        {{"app.py", "--password=a b=c", "x"}, {"app.py", "--password=<hidden>", "x"}},
        {{"app.py", "--api-key", "abc", "abc"}, {"app.py", "--api-key", "<hidden>", "abc"}},
        {{"app.py", "-token", "abc"}, {"app.py", "-token", "<hidden>"}},
        {{"app.py", "--token", "--verbose", "x"}, {"app.py", "--token", "--verbose", "x"}},
        {{"app.py", "--token"}, {"app.py", "--token"}},
        {{"app.py", "--password="}, {"app.py", "--password=<hidden>"}},
        {{"env", "DB_PASSWORD=x", "HOME=/root", "python"}, {"env", "DB_PASSWORD=<hidden>", "HOME=/root", "python"}},
        {{"sh", "-c", "run --secret=x  -v --token y z"}, {"sh", "-c", "run --secret=<hidden>  -v --token <hidden> z"}},
        {{"celery", "-b", "amqp://user:pa:ss@host:1/v?x=@"}, {"celery", "-b", "amqp://user:<hidden>@host:1/v?x=@"}},
        {{"x", "--url=redis://:pw@h/0", "http://h:80/a:b@c"},
         {"x", "--url=redis://:<hidden>@h/0", "http://h:80/a:b@c"}},
        {{"app.py", "--max-tokens", "100", "--tokenizer=gpt"}, {"app.py", "--max-tokens", "100", "--tokenizer=gpt"}},
        {{"python", "-m", "tokenize", "token", "x"}, {"python", "-m", "tokenize", "token", "x"}},
        {{"", "--password", "", " "}, {"", "--password", "", " "}},
        {{"--password", "two words"}, {"--password", "<hidden>"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_words(cases[i][0], cases[i][1]);
}
