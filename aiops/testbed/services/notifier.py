"""The outbox of messages to users."""

import json

from aiops.testbed.service import Answer, Request, Service


async def notify(shop: Service, request: Request) -> Answer:
    await shop.cache("LPUSH", "outbox", json.dumps(request.body))
    await shop.cache("LTRIM", "outbox", 0, 99)
    shop.instruments.count("app.notifications")
    shop.log.info("notification queued", extra={"otel": {"app.order": request.body["order"]}})
    return {"ok": True}


ROUTES = {("POST", "/notify"): notify}
