"""Charges, with a key derivation for work."""

import hashlib

from aiops.testbed.service import Answer, Request, Service


async def charge(shop: Service, request: Request) -> Answer:
    user, amount = request.body["user"], request.body["amount"]
    key = hashlib.pbkdf2_hmac("sha256", f"{user}:{amount}".encode(), b"shop", 3000).hex()[:16]
    await shop.sql("payments", "INSERT INTO payments (user_id, amount, authorisation) "
                               "VALUES (%s, %s, %s)", user, amount, key)
    shop.instruments.count("app.payments")
    shop.log.info("payment authorised", extra={"otel": {"app.amount": amount}})
    return {"authorisation": key}


METHODS = {"Charge": charge}
