"""A transaction that waits for a row which another one has changed: psycopg, with the server that pgserver brings."""
import os
import tempfile

import pgserver
import psycopg

server = pgserver.get_server(tempfile.mkdtemp(dir="/tmp"))
uri = server.get_uri()
with psycopg.connect(uri, autocommit=True) as setup:
    setup.execute("create table stock (id int primary key, n int)")
    setup.execute("insert into stock values (1, 1)")
first, second = psycopg.connect(uri), psycopg.connect(uri)
first.execute("update stock set n = 2")
print(server.get_pid(), flush=True)
second.execute("update stock set n = 3")
