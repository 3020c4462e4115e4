"""Every address of the API, the parameters it takes (the SDK's own class) and what answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from stripe import params as p
from stripe.params import billing_portal, checkout, test_helpers

from paywall.sandbox import (
    balance,
    catalogue,
    customers,
    discounts,
    disputes,
    invoices,
    methods,
    payments,
    payouts,
    portal_settings,
    refunds,
    sessions,
    subscriptions,
    test_clocks,
    webhooks,
)
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, SandboxError

Action = Callable[[Books, str, Doc], Doc]


@dataclass(frozen=True)
class Route:
    """`{id}` in the path is handed to the action; without one it gets an empty text."""

    method: str
    path: str
    params: type
    action: Action

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        return re.compile(self.path.replace("{id}", "(?P<id>[^/]+)"))


def find_route(method: str, path: str) -> tuple[Route, str]:
    """The route and the id in the path. Raises Stripe's 404 for an address that it does not know."""
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found:
            return route, found.groupdict().get("id", "")
    raise SandboxError(
        f"Unrecognized request URL ({method}: {path}). The sandbox models a part of Stripe's API only.",
        status=404,
        replayable=False,
    )


ROUTES = (
    Route("GET", "/v1/account", p.AccountRetrieveCurrentParams, webhooks.account),
    Route("GET", "/v1/balance", p.BalanceRetrieveParams, balance.retrieve_balance),
    Route("GET", "/v1/balance_transactions", p.BalanceTransactionListParams, balance.list_transactions),
    Route(
        "GET",
        "/v1/balance_transactions/{id}",
        p.BalanceTransactionRetrieveParams,
        balance.retrieve_transaction,
    ),
    Route(
        "GET",
        "/v1/billing_portal/configurations",
        billing_portal.ConfigurationListParams,
        portal_settings.list_configurations,
    ),
    Route(
        "POST",
        "/v1/billing_portal/configurations",
        billing_portal.ConfigurationCreateParams,
        portal_settings.create_configuration,
    ),
    Route(
        "GET",
        "/v1/billing_portal/configurations/{id}",
        billing_portal.ConfigurationRetrieveParams,
        portal_settings.retrieve_configuration,
    ),
    Route(
        "POST",
        "/v1/billing_portal/configurations/{id}",
        billing_portal.ConfigurationUpdateParams,
        portal_settings.update_configuration,
    ),
    Route(
        "POST",
        "/v1/billing_portal/sessions",
        billing_portal.SessionCreateParams,
        portal_settings.create_session,
    ),
    Route("GET", "/v1/charges", p.ChargeListParams, payments.list_charges),
    Route("GET", "/v1/charges/{id}", p.ChargeRetrieveParams, payments.retrieve_charge),
    Route("GET", "/v1/checkout/sessions", checkout.SessionListParams, sessions.list_sessions),
    Route("POST", "/v1/checkout/sessions", checkout.SessionCreateParams, sessions.create),
    Route("GET", "/v1/checkout/sessions/{id}", checkout.SessionRetrieveParams, sessions.retrieve),
    Route("POST", "/v1/checkout/sessions/{id}", checkout.SessionUpdateParams, sessions.update),
    Route("POST", "/v1/checkout/sessions/{id}/expire", checkout.SessionExpireParams, sessions.expire),
    Route(
        "GET",
        "/v1/checkout/sessions/{id}/line_items",
        checkout.SessionLineItemListParams,
        sessions.line_items,
    ),
    Route("GET", "/v1/coupons", p.CouponListParams, discounts.list_coupons),
    Route("POST", "/v1/coupons", p.CouponCreateParams, discounts.create_coupon),
    Route("GET", "/v1/coupons/{id}", p.CouponRetrieveParams, discounts.retrieve_coupon),
    Route("DELETE", "/v1/coupons/{id}", p.CouponDeleteParams, discounts.delete_coupon),
    Route("GET", "/v1/customers", p.CustomerListParams, customers.list_customers),
    Route("POST", "/v1/customers", p.CustomerCreateParams, customers.create),
    Route("GET", "/v1/customers/{id}", p.CustomerRetrieveParams, customers.retrieve),
    Route("POST", "/v1/customers/{id}", p.CustomerUpdateParams, customers.update),
    Route("DELETE", "/v1/customers/{id}", p.CustomerDeleteParams, customers.delete),
    Route(
        "GET", "/v1/customers/{id}/payment_methods", p.CustomerPaymentMethodListParams, methods.list_methods
    ),
    Route("GET", "/v1/disputes", p.DisputeListParams, disputes.list_disputes),
    Route("GET", "/v1/disputes/{id}", p.DisputeRetrieveParams, disputes.retrieve),
    Route("POST", "/v1/disputes/{id}/close", p.DisputeCloseParams, disputes.close),
    Route("GET", "/v1/events", p.EventListParams, webhooks.list_events),
    Route("GET", "/v1/events/{id}", p.EventRetrieveParams, webhooks.retrieve_event),
    Route("GET", "/v1/invoice_payments", p.InvoicePaymentListParams, invoices.list_payments),
    Route("GET", "/v1/invoice_payments/{id}", p.InvoicePaymentRetrieveParams, invoices.retrieve_payment),
    Route("GET", "/v1/invoices", p.InvoiceListParams, invoices.list_invoices),
    Route("POST", "/v1/invoices/create_preview", p.InvoiceCreatePreviewParams, invoices.create_preview),
    Route("GET", "/v1/invoices/{id}", p.InvoiceRetrieveParams, invoices.retrieve),
    Route("POST", "/v1/invoices/{id}", p.InvoiceUpdateParams, invoices.update),
    Route("GET", "/v1/invoices/{id}/lines", p.InvoiceLineItemListParams, invoices.list_lines),
    Route("POST", "/v1/invoices/{id}/finalize", p.InvoiceFinalizeInvoiceParams, invoices.finalize),
    Route("POST", "/v1/invoices/{id}/pay", p.InvoicePayParams, invoices.pay),
    Route("POST", "/v1/invoices/{id}/void", p.InvoiceVoidInvoiceParams, invoices.void),
    Route(
        "POST",
        "/v1/invoices/{id}/mark_uncollectible",
        p.InvoiceMarkUncollectibleParams,
        invoices.mark_uncollectible,
    ),
    Route("GET", "/v1/payment_intents", p.PaymentIntentListParams, payments.list_intents),
    Route("GET", "/v1/payment_intents/{id}", p.PaymentIntentRetrieveParams, payments.retrieve_intent),
    Route("GET", "/v1/payment_methods", p.PaymentMethodListParams, methods.list_methods),
    Route("POST", "/v1/payment_methods", p.PaymentMethodCreateParams, methods.create),
    Route("GET", "/v1/payment_methods/{id}", p.PaymentMethodRetrieveParams, methods.retrieve),
    Route("POST", "/v1/payment_methods/{id}", p.PaymentMethodUpdateParams, methods.update),
    Route("POST", "/v1/payment_methods/{id}/attach", p.PaymentMethodAttachParams, methods.attach),
    Route("POST", "/v1/payment_methods/{id}/detach", p.PaymentMethodDetachParams, methods.detach),
    Route("GET", "/v1/payouts", p.PayoutListParams, payouts.list_payouts),
    Route("GET", "/v1/payouts/{id}", p.PayoutRetrieveParams, payouts.retrieve),
    Route("GET", "/v1/prices", p.PriceListParams, catalogue.list_prices),
    Route("POST", "/v1/prices", p.PriceCreateParams, catalogue.create_price),
    Route("GET", "/v1/prices/{id}", p.PriceRetrieveParams, catalogue.retrieve_price),
    Route("POST", "/v1/prices/{id}", p.PriceUpdateParams, catalogue.update_price),
    Route("GET", "/v1/products", p.ProductListParams, catalogue.list_products),
    Route("POST", "/v1/products", p.ProductCreateParams, catalogue.create_product),
    Route("GET", "/v1/products/{id}", p.ProductRetrieveParams, catalogue.retrieve_product),
    Route("POST", "/v1/products/{id}", p.ProductUpdateParams, catalogue.update_product),
    Route("DELETE", "/v1/products/{id}", p.ProductDeleteParams, catalogue.delete_product),
    Route("GET", "/v1/promotion_codes", p.PromotionCodeListParams, discounts.list_codes),
    Route("POST", "/v1/promotion_codes", p.PromotionCodeCreateParams, discounts.create_code),
    Route("GET", "/v1/promotion_codes/{id}", p.PromotionCodeRetrieveParams, discounts.retrieve_code),
    Route("POST", "/v1/promotion_codes/{id}", p.PromotionCodeUpdateParams, discounts.update_code),
    Route("GET", "/v1/refunds", p.RefundListParams, refunds.list_refunds),
    Route("POST", "/v1/refunds", p.RefundCreateParams, refunds.refund),
    Route("GET", "/v1/refunds/{id}", p.RefundRetrieveParams, refunds.retrieve_refund),
    Route("POST", "/v1/refunds/{id}", p.RefundUpdateParams, refunds.update_refund),
    Route("GET", "/v1/setup_intents", p.SetupIntentListParams, methods.list_setups),
    Route("GET", "/v1/setup_intents/{id}", p.SetupIntentRetrieveParams, methods.retrieve_setup),
    Route("GET", "/v1/subscription_items", p.SubscriptionItemListParams, subscriptions.list_items),
    Route(
        "GET", "/v1/subscription_items/{id}", p.SubscriptionItemRetrieveParams, subscriptions.retrieve_item
    ),
    Route("POST", "/v1/subscription_items/{id}", p.SubscriptionItemUpdateParams, subscriptions.update_item),
    Route("GET", "/v1/subscriptions", p.SubscriptionListParams, subscriptions.list_subscriptions),
    Route("POST", "/v1/subscriptions", p.SubscriptionCreateParams, subscriptions.create),
    Route("GET", "/v1/subscriptions/{id}", p.SubscriptionRetrieveParams, subscriptions.retrieve),
    Route("POST", "/v1/subscriptions/{id}", p.SubscriptionUpdateParams, subscriptions.update),
    Route("DELETE", "/v1/subscriptions/{id}", p.SubscriptionCancelParams, subscriptions.cancel),
    Route("POST", "/v1/subscriptions/{id}/pause", p.SubscriptionPauseParams, subscriptions.pause),
    Route("POST", "/v1/subscriptions/{id}/resume", p.SubscriptionResumeParams, subscriptions.resume),
    Route("POST", "/v1/test_helpers/test_clocks", test_helpers.TestClockCreateParams, test_clocks.create),
    Route(
        "GET",
        "/v1/test_helpers/test_clocks/{id}",
        test_helpers.TestClockRetrieveParams,
        test_clocks.retrieve,
    ),
    Route(
        "POST",
        "/v1/test_helpers/test_clocks/{id}/advance",
        test_helpers.TestClockAdvanceParams,
        test_clocks.advance,
    ),
    Route(
        "DELETE", "/v1/test_helpers/test_clocks/{id}", test_helpers.TestClockDeleteParams, test_clocks.delete
    ),
    Route("GET", "/v1/webhook_endpoints", p.WebhookEndpointListParams, webhooks.list_endpoints),
    Route("POST", "/v1/webhook_endpoints", p.WebhookEndpointCreateParams, webhooks.create),
    Route("GET", "/v1/webhook_endpoints/{id}", p.WebhookEndpointRetrieveParams, webhooks.retrieve),
    Route("POST", "/v1/webhook_endpoints/{id}", p.WebhookEndpointUpdateParams, webhooks.update),
    Route("DELETE", "/v1/webhook_endpoints/{id}", p.WebhookEndpointDeleteParams, webhooks.delete),
)
