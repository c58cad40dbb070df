"""Asks a server: argument 1 its port, 2 so many times /, 3 so many times /io, 4 the pause between two requests in ms."""
import http.client
import sys
import threading
import time

PORT, CPU, IO, PAUSE = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]) / 1000


def ask(path):
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    while True:
        connection.request("GET", path)
        connection.getresponse().read()
        time.sleep(PAUSE)


for _ in range(CPU):
    threading.Thread(target=ask, args=("/",), daemon=True).start()
for _ in range(IO):
    threading.Thread(target=ask, args=("/io",), daemon=True).start()
print(flush=True)
time.sleep(3600)
