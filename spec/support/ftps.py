"""An FTP server behind TLS (RFC 4217): PORT CERTIFICATE-AND-KEY FILE [plain].

It has one file, whatever its name; "plain": its bytes are never encrypted, as it says.
SPDX-License-Identifier: MIT
"""

import os
import socket
import ssl
import sys
import threading

PORT, PEM, FILE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
PLAIN = "plain" in sys.argv[4:]

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(PEM)


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def send_file(listener):
    data = listener.accept()[0]
    listener.close()
    data = data if PLAIN else CONTEXT.wrap_socket(data, server_side=True)
    with open(FILE, "rb") as file:
        data.sendall(file.read())
    (data if PLAIN else data.unwrap()).close()


def converse(control):
    lines = control.makefile("rw", newline="\r\n")
    replies = {
        "USER": "331 whose?", "PASS": "230 welcome", "PROT": "536 no" if PLAIN else "200 so be it",
        "PWD": '257 "/"', "SIZE": "213 %d" % os.path.getsize(FILE), "MDTM": "550 who knows",
    }

    def say(line):
        lines.write(line + "\r\n")
        lines.flush()

    say("220 here")
    for line in lines:
        word = line.split()[0]
        if word == "EPSV":
            listener = listen(0)
            say("229 there (|||%d|)" % listener.getsockname()[1])
        elif word == "RETR":
            say("150 it comes")
            send_file(listener)
            say("226 that was it")
        else:
            say(replies.get(word, "200 fine"))


def serve(client):
    try:
        converse(CONTEXT.wrap_socket(client, server_side=True))
    except OSError:
        pass  # so went who asked


def main():
    listener = listen(PORT)
    while True:
        client = listener.accept()[0]
        threading.Thread(target=serve, args=(client,), daemon=True).start()


main()
