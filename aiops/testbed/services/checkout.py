"""Orders: reserve, charge, write down, notify."""

from aiops.testbed.service import Answer, Refusal, Request, Service


async def checkout(shop: Service, request: Request) -> Answer:
    user = int(request.parts["user"])
    items = (await shop.http("cart", "GET", "/cart/{user}", user=user))["items"]
    if not items:
        shop.log.warning("checkout of an empty cart")
        raise Refusal(409, "empty cart")
    await shop.rpc("inventory", "Reserve", {"skus": [item["sku"] for item in items]})
    total = round(sum(item["price"] * item["quantity"] for item in items), 2)
    paid = await shop.rpc("payment", "Charge", {"user": user, "amount": total})
    rows = await shop.sql("orders", "INSERT INTO orders (user_id, sku, total) "
                                    "VALUES (%s, %s, %s) RETURNING id",
                          user, items[0]["sku"], total)
    order = rows[0][0]
    await shop.http("cart", "DELETE", "/cart/{user}", user=user)
    try:
        await shop.http("notifier", "POST", "/notify", {"order": order, "user": user},
                        timeout_s=1.0)
    except Refusal:
        shop.log.warning("notification postponed", extra={"otel": {"app.order": order}})
    shop.instruments.count("app.orders")
    shop.instruments.count("app.revenue", total)
    shop.log.info("order placed", extra={"otel": {"app.order": order, "app.total": total}})
    return {"order": order, "total": total, "authorisation": paid["authorisation"]}


ROUTES = {("POST", "/checkout/{user}"): checkout}
