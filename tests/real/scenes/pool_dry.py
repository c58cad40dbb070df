"""Four threads that want a connection of the pool of argument 1, whose two others keep; with
another argument they are there for all, in turn."""
import sqlite3
import sys
import threading
import time
import types


def connect(*_, **__):
    return sqlite3.connect(":memory:", check_same_thread=False)


class Connection:
    """As of psycopg and of redis, as far as their pools ask."""
    _pool = None
    pgconn = info = types.SimpleNamespace(transaction_status=0)

    def __init__(self, **_):
        pass

    connect = classmethod(lambda cls, *_, **__: cls())
    can_read = re_auth = should_reconnect = disconnect = close = lambda self, *_, **__: None


def sqlalchemy():
    import sqlalchemy.pool
    pool = sqlalchemy.pool.QueuePool(connect, pool_size=2, max_overflow=0, timeout=600)
    return pool.connect, lambda one: one.close()


def psycopg():
    import psycopg_pool
    pool = psycopg_pool.ConnectionPool(min_size=2, connection_class=Connection, open=True, timeout=600)
    return pool.getconn, pool.putconn


def urllib3():
    import urllib3
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 9, maxsize=2, block=True)
    return pool._get_conn, pool._put_conn


def redis():
    import redis
    pool = redis.BlockingConnectionPool(max_connections=2, timeout=600, connection_class=Connection)
    return pool.get_connection, pool.release


def dbutils():
    import dbutils.pooled_db
    pool = dbutils.pooled_db.PooledDB(types.SimpleNamespace(connect=connect, threadsafety=1, Error=sqlite3.Error,
                                                            InterfaceError=sqlite3.Error, OperationalError=sqlite3.Error,
                                                            InternalError=sqlite3.Error),
                                      maxconnections=2, blocking=True)
    return pool.connection, lambda one: one.close()


def keep():
    kept = get()
    met.wait()
    time.sleep(600)
    give(kept)


def want():
    while True:
        one = get()
        time.sleep(0.01)
        give(one)
        time.sleep(0.05)


try:
    get, give = globals()[sys.argv[1]]()
except ImportError as error:
    sys.exit(print(error))
met = threading.Barrier(3)
if len(sys.argv) == 2:
    for _ in range(2):
        threading.Thread(target=keep, daemon=True).start()
    met.wait()
for i in range(4):
    threading.Thread(target=want, name="want-%d" % i, daemon=True).start()
print("ready", flush=True)
time.sleep(600)
